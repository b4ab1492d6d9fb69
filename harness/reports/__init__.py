"""What a person is told of a failure: the report, the script, the stored case, the page of findings."""
