"""Files to documents, documents to passages.

Nothing here knows how passages are ranked or served; see `index` for what comes next.
"""
