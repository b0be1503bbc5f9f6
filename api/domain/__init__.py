"""The words and rules of trading: pure, no input or output."""
