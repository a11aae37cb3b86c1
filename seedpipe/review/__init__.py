"""Pictures and words for people: plans, progress, graphs, faults. Strings out; who prints them is above."""
