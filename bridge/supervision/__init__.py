"""What the bridge knows about itself, and says to people: its state (`status`) and its story (`logs`)."""
