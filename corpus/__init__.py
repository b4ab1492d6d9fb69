"""What is kept: verified pairs of Warp's Python and the C++ it became, and shrunken failures.

================  ==========================================================================
`record.py`       `Record`: one verified pair, with the evidence that verified it
`case.py`         `Case`: one failure, as a small program with explicit inputs
`store.py`        `Store`: the folder that holds both; one writer, nothing acknowledged is lost
`export.py`       the five-field rows that other tools read
`dataset.py`      the table with all columns, as JSON lines and Parquet
`card.py`         what a reader must know, in the form that the Hub expects
`splits.py`       training, validation and test rows without leakage, and the measurement of it
`statistics.py`   what a corpus is made of
================  ==========================================================================

The data stand in the folders `verified/` and `failures/` beside this code.
"""
