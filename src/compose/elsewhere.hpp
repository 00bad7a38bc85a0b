// Sources that `-f`, `include` and `extends` may name besides files of this machine. The library fetches nothing: it
// asks FileAccess::resolve_links() where such a source lies here. The answer is the path of what was brought from
// there; "" if that failed, which the one who tried tells; the source itself if nobody tries.
#pragma once

#include <string_view>

namespace consort::compose {

// "oci://REFERENCE", or a git repository.
bool is_elsewhere(std::string_view source);
// "https://HOST/REPO.git#REF:PATH", "git@...", "git://...", "ssh://...", "github.com/...".
bool is_git_repository(std::string_view source);

}  // namespace consort::compose
