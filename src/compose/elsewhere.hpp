// Remote sources that `-f`, `include` and `extends` may name. This library fetches nothing: it calls
// FileAccess::resolve_links() to locate such a source locally. The result is the path of the fetched file; "" if
// fetching failed, which the access function reports; or the source itself if remote sources are not supported.
#pragma once

#include <string_view>

namespace consort::compose {

// "oci://REFERENCE", or a Git repository.
bool is_elsewhere(std::string_view source);
// "https://HOST/REPO.git#REF:PATH", "git@...", "git://...", "ssh://...", "github.com/...".
bool is_git_repository(std::string_view source);

}  // namespace consort::compose
