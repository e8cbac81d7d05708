"""What every conversion is checked for before it is written: its text must import, and nothing of Flyte 1 stays unsaid."""
