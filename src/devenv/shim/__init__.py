"""The small parent that outlives the daemon and owns the processes of one checkout."""
