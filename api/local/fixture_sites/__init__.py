"""Pages built like those of 38커뮤니케이션 and 주달, with invented content, so that Lucy's pages are alive without the Internet.

They share no code with the parsers that read them: code that checks must not share the bug it should find. All content follows from a seed
and the day, so an offering keeps its number, name and dates from one day to the next, and moves on from filing to listing as days pass.
"""
