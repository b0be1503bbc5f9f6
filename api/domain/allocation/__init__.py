"""Dividing an order over funds and accounts, and its fills back again. Pure: values in, values out, ratios exact.

`methods`: what each line should get. `split`: whole shares within what each line and account can take. `fills`: shares and won back to
the lines. EXAMPLES.md works through each with numbers, and is run as a test.
"""
