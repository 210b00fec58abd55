"""What account holders decided and consented to, and which version governs whom (P5, P6)."""
