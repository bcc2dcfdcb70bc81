# What the installed nDPI's interface looks like: asked by compiling, never by
# version number (its headers changed in nearly every release).
#
#	include(cmake/ndpi.cmake)		after pkg_check_modules(NDPI ...)
#	target_compile_definitions(mw_flow PRIVATE ${MW_NDPI_DEFINITIONS})
include(CheckCSourceCompiles)

set(MW_NDPI_DEFINITIONS "")
set(CMAKE_REQUIRED_INCLUDES ${NDPI_INCLUDE_DIRS})
set(CMAKE_REQUIRED_FLAGS "-std=gnu11 -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=implicit-function-declaration")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)	# compile only

# Note: feature macros of classify_ndpi.c, each with the body of a function
# that compiles when the feature is there.
function(mw_ndpi feature body)
	check_c_source_compiles("#include <ndpi_api.h>
struct ndpi_detection_module_struct *m; struct ndpi_flow_struct *f;
void probe(void);
void probe(void) { ${body} }" ${feature})
	if(${feature})
		set(MW_NDPI_DEFINITIONS ${MW_NDPI_DEFINITIONS} ${feature} PARENT_SCOPE)
	endif()
endfunction()

mw_ndpi(MW_NDPI_INIT_PREFS "m = ndpi_init_detection_module(ndpi_no_prefs);")
mw_ndpi(MW_NDPI_BITMASK
	"NDPI_PROTOCOL_BITMASK b; NDPI_BITMASK_RESET(b); ndpi_set_protocol_detection_bitmask2(m, &b);")
mw_ndpi(MW_NDPI_CONFIG "ndpi_set_config(m, \"any\", \"enable\", \"0\");")
mw_ndpi(MW_NDPI_INPUT_INFO
	"ndpi_detection_process_packet(f ? m : m, f, (const unsigned char *)0, 0, 0, 0);")
mw_ndpi(MW_NDPI_NESTED_RESULT "ndpi_protocol p; p.proto.app_protocol = 0; (void)p;")
mw_ndpi(MW_NDPI_CONFIDENCE "if (f->confidence == NDPI_CONFIDENCE_DPI) return;")
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_FLAGS)
unset(CMAKE_TRY_COMPILE_TARGET_TYPE)
