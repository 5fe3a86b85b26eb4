"""The Open Inference Protocol, version 2, over REST, with the extensions of Triton (docs/protocol.md)."""
