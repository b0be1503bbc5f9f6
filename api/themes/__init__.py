"""Themes (테마) and the stocks in them, as 주달 shows them: kept day by day, drawn over time, screened."""
