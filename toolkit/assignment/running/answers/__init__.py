"""The replies to the judge's requests: one class `Answers` for each part."""
