consort_fuzz(tar image_tar_fuzz.cpp DEPENDS consort_image)
consort_fuzz(manifest image_manifest_fuzz.cpp DEPENDS consort_image)
consort_fuzz(reference image_reference_fuzz.cpp DEPENDS consort_image)
