# Makes TEXT into OUT and compares it with CAPTURE.
execute_process(COMMAND ${SCENARIO} ${TEXT} ${OUT} RESULT_VARIABLE failed)
if(failed)
	message(FATAL_ERROR "${TEXT}: scenario failed")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUT} ${CAPTURE} RESULT_VARIABLE differs)
if(differs)
	message(FATAL_ERROR "${CAPTURE} is not what its scenario makes; if the change is meant:\n"
		"  ${SCENARIO} ${TEXT} ${CAPTURE}")
endif()
