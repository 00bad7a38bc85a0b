// Attributes of an image build.
#include "compose/schema/shapes.hpp"

namespace consort::compose::shapes {

constexpr Field build_fields[]{{"context", &text},
                               {"dockerfile", &text},
                               {"dockerfile_inline", &text},
                               {"entitlements", &texts},
                               {"args", &list_or_map},
                               {"provenance", &text_or_flag},
                               {"sbom", &text_or_flag},
                               {"ssh", &list_or_map},
                               {"labels", &list_or_map},
                               {"cache_from", &texts},
                               {"cache_to", &texts},
                               {"no_cache", &flag},
                               {"no_cache_filter", &text_or_texts},
                               {"additional_contexts", &list_or_map},
                               {"pull", &flag},
                               {"extra_hosts", &extra_hosts},
                               {"isolation", &text, "Windows only"},
                               {"network", &text},
                               {"target", &text},
                               {"secrets", &file_references},
                               {"shm_size", &size_integer},
                               {"tags", &texts},
                               {"ulimits", &ulimits},
                               {"platforms", &texts},
                               {"privileged", &flag}};
constexpr Shape build{.name = "string or mapping",
                      .types = type::string | type::mapping,
                      .example = ". or {context: .}",
                      .fields = build_fields};

}  // namespace consort::compose::shapes
