"""38커뮤니케이션: initial public offerings."""
