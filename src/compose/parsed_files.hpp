// A look into the files before they are loaded, which need not be parsed again for that.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compose/compose.hpp"
#include "compose/node.hpp"
#include "compose/source.hpp"

namespace consort::compose {

class ParsedFiles {
 public:
  using Documents = std::shared_ptr<const std::vector<Node>>;

  // The documents of this source; null if it was not parsed yet, has changed since, or had another index, which is in
  // every Place of them.
  Documents find(const Source& source, std::uint32_t index) const {
    const auto found = kept_.find(source.path());
    if (found == kept_.end() || found->second.index != index) return nullptr;
    return found->second.text == source.original() ? found->second.documents : nullptr;
  }
  // Only what parsed without a word: diagnostics are for each loader to tell.
  void keep(const Source& source, std::uint32_t index, Documents documents) {
    kept_.insert_or_assign(source.path(), Kept{index, source.original(), std::move(documents)});
  }

 private:
  struct Kept {
    std::uint32_t index;
    std::string text;
    Documents documents;
  };
  std::map<std::string, Kept> kept_;
};

// load() of settings.hpp, which takes from there what was parsed already. Null: nothing is kept.
LoadOutcome load(const LoadOptions& options, Result<ProjectSettings> settings, ParsedFiles* parsed);
// The text that stands at this path of the merged files, for who must know it before the project is loaded; "" if none.
// Errors are left to load().
std::string top_level_value(const LoadOptions& options, const ProjectSettings& settings, const Strings& path,
                            ParsedFiles* parsed = nullptr);

}  // namespace consort::compose
