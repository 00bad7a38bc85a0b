// Recognizes sources that are not on this machine by their syntax.
#include "compose/elsewhere.hpp"

namespace consort::compose {

bool is_git_repository(std::string_view source) {
  for (const std::string_view start : {"git@", "git://", "ssh://", "github.com/"})
    if (source.starts_with(start)) return true;
  if (!source.starts_with("http://") && !source.starts_with("https://")) return false;
  return source.substr(0, source.find('#')).ends_with(".git");
}

bool is_elsewhere(std::string_view source) {
  return source.starts_with("oci://") || is_git_repository(source);
}

}  // namespace consort::compose
