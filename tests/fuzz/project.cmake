consort_fuzz(provider_messages ${CMAKE_CURRENT_SOURCE_DIR}/provider_messages_fuzz.cpp DEPENDS consort_project)
consort_fuzz(artifact ${CMAKE_CURRENT_SOURCE_DIR}/artifact_fuzz.cpp DEPENDS consort_project)
