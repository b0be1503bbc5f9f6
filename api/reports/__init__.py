"""Daily reconciliation reports: do stream, inquiries and ledger agree?"""
