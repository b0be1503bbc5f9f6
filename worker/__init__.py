"""Lucy's worker: arq jobs and broker execution streams."""
