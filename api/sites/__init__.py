"""Scraped sites: what API and worker share."""
