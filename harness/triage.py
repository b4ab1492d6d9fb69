"""x"""
from __future__ import annotations
import re
def message_head(message: str) -> str:
    return message.splitlines()[0] if message else ""
