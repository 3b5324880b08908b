"""Static analysis of ONNX models; needs the package onnx, and no engine."""
