"""BERT as a folder that `transformers` reads and writes."""
