consort_fuzz(rpc_connection ${CMAKE_CURRENT_LIST_DIR}/rpc_connection_fuzz.cpp DEPENDS consort_buildkit)
consort_fuzz(file_receiver ${CMAKE_CURRENT_LIST_DIR}/file_receiver_fuzz.cpp DEPENDS consort_buildkit)
