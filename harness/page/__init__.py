"""A page about a corpus for a person to look at: `facts` counts, `charts` draws, `html` puts it together."""
