#include "build/internal/folder.hpp"

#include <fcntl.h>

#include "base/os/file.hpp"
#include "base/sha256.hpp"
#include "build/exec/archive.hpp"
#include "build/exec/destination.hpp"
#include "build/exec/fetch.hpp"
#include "build/exec/selection.hpp"
#include "build/internal/definition.hpp"

namespace consort::build {

bool is_remote_context(std::string_view context) {
  return is_git_url(context) || is_http_url(context);
}

Result<FetchedContext> fetch_context(const std::string& url, const std::string& folder, int cancel_fd) {
  if (is_git_url(url)) {
    const Fetched fetched = TRY(fetch_git(parse_git_url(url), {}, GitFolder::remove, folder, cancel_fd));
    return FetchedContext{fetched.path, {}};
  }
  const Fetched fetched = TRY(fetch_url(url, {}, folder, cancel_fd));
  const Fd file = TRY(open_file(fetched.path, O_RDONLY));
  if (!TRY(is_archive(file.get()))) return FetchedContext{{}, fetched.path};
  const std::string unpacked = folder + "/unpacked";
  TRY(make_directories(unpacked));
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  const auto tar = TRY(open_archive(file.get()));
  TRY_WRAP(image::unpack_layer(tar, unpacked, options), "unpack build context", url);
  return FetchedContext{unpacked, {}};
}

Result<FolderLayer> layer_of_folder(const std::string& folder, BuildEnvironment& environment, Cache& cache) {
  PatternList ignore = TRY(load_ignore(folder, {}));
  SourceTree tree = TRY(open_context(folder, std::move(ignore), environment.roots));
  std::vector<Selected> all = TRY(select(tree, CopyOperation{}, "/"));
  for (auto& selected : all) TRY(tree.hash(selected.start, selected.entries));
  (void)tree.save_index();
  FolderLayer result;
  result.identity = "folder " + digest_of(all, Owners::ignored);
  const std::string key = sha256_hex(result.identity);
  if (const auto known = TRY(cache.find(key))) {
    result.id = known->layer;
    result.folder = known->folder;
    return result;
  }
  image::LayerDraft draft = TRY(environment.store.new_layer());
  {
    const Fd root = TRY(open_file(draft.directory(), O_RDONLY | O_DIRECTORY));
    CopySettings settings;
    settings.owner = OwnerIds{};
    for (const auto& selected : all) TRY(copy_into(tree, selected, root.get(), "/", settings));
  }
  const image::LayerInfo layer = TRY(environment.store.commit_layer(std::move(draft)));
  result.id = layer.id;
  result.folder = layer.directory;
  TRY(cache.remember(key, "files of " + folder, {layer.id, layer.directory, key, system_now()}));
  return result;
}

}  // namespace consort::build
