/* Stands in for libnvinfer, libnvinfer_plugin, libnvonnxparser and (8.6) libnvparsers, so that NVIDIA's real Python
 * bindings can be imported without them.  It holds the functions that the bindings link to; each returns NULL, so that
 * nothing can be built or run: trt.Builder() raises TypeError.  The names with _ZN are C++ functions of 8.6. */

#define RETURNS_NULL(name) void *name(void) { return 0; }

RETURNS_NULL(createInferBuilder_INTERNAL)
RETURNS_NULL(createInferRefitter_INTERNAL)
RETURNS_NULL(createInferRuntime_INTERNAL)
RETURNS_NULL(createNvOnnxParser_INTERNAL)
RETURNS_NULL(createNvOnnxParserRefitter_INTERNAL)
RETURNS_NULL(getBuilderPluginRegistry)
RETURNS_NULL(getPluginRegistry)
RETURNS_NULL(getNvOnnxParserVersion)
RETURNS_NULL(initLibNvInferPlugins)
RETURNS_NULL(_ZN11nvuffparser15createUffParserEv)
RETURNS_NULL(_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi)
RETURNS_NULL(_ZN14nvcaffeparser117createCaffeParserEv)
RETURNS_NULL(_ZN14nvcaffeparser123shutdownProtobufLibraryEv)
