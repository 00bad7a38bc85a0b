consort_fuzz(kube kube_fuzz.cpp DEPENDS consort_kube)
