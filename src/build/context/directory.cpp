#include "build/context/directory.hpp"

#include <fcntl.h>

#include <map>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "build/exec/archive.hpp"
#include "build/exec/destination.hpp"
#include "build/exec/fetch.hpp"
#include "build/exec/selection.hpp"
#include "build/plan/graph.hpp"
#include "build/solve/definition.hpp"
#include "image/artifact.hpp"

namespace consort::build {

bool is_remote_context(std::string_view context) {
  return is_git_url(context) || is_http_url(context);
}

Result<FetchedContext> fetch_context(const std::string& url, const std::string& directory, int cancel_fd) {
  if (is_git_url(url)) {
    const Fetched fetched = TRY(fetch_git(url, {}, GitDirectory::remove, directory, cancel_fd));
    return FetchedContext{fetched.path, {}};
  }
  const Fetched fetched = TRY(fetch_url(url, {}, directory, cancel_fd));
  const Fd file = TRY(open_file(fetched.path, O_RDONLY));
  if (!TRY(is_archive(file.get()))) return FetchedContext{{}, fetched.path};
  const std::string unpacked = directory + "/unpacked";
  TRY(make_directories(unpacked));
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  const auto tar = TRY(open_archive(file.get()));
  TRY_WRAP(image::unpack_layer(tar, unpacked, options), "unpack build context", url);
  return FetchedContext{unpacked, {}};
}

Result<DirectoryLayer> layer_of_directory(const std::string& directory, BuildEnvironment& environment, Cache& cache) {
  PatternList ignore = TRY(load_ignore(directory, {}));
  SourceTree tree = TRY(open_context(directory, std::move(ignore), environment.roots));
  std::vector<Selected> all = TRY(select(tree, CopyOperation{}, "/"));
  for (auto& selected : all) TRY(tree.hash(selected.start, selected.entries));
  (void)tree.save_index();
  DirectoryLayer result;
  result.identity = "folder " + digest_of(all, Owners::ignored);
  const std::string key = sha256_hex(result.identity);
  if (const auto known = TRY(cache.find(key))) {
    result.id = known->layer;
    result.directory = known->directory;
    return result;
  }
  image::LayerDraft draft = TRY(environment.store.new_layer());
  {
    const Fd root = TRY(open_file(draft.directory(), O_RDONLY | O_DIRECTORY));
    CopySettings settings;
    settings.owner = OwnerIds{};
    settings.origin = CopySettings::Origin::context;
    for (const auto& selected : all) TRY(copy_into(tree, selected, root.get(), "/", settings));
  }
  const image::LayerInfo layer = TRY(environment.store.commit_layer(std::move(draft)));
  result.id = layer.id;
  result.directory = layer.directory;
  TRY(cache.remember(key, "files of " + directory, {layer.id, layer.directory, key, system_now()}));
  return result;
}

Result<LayoutImage> image_of_layout(const std::string& url, const std::string& directory,
                                    const image::Platform& platform, image::Store& store,
                                    const std::stop_token& cancel) {
  image::LayoutPlace place = TRY(image::LayoutPlace::parse(std::string_view(url).substr(layout_scheme.size())));
  place.directory = join_path(directory, place.directory);
  image::PullOptions options;
  options.platform = platform;
  options.cancel = cancel;
  const auto artifact = TRY(image::open_artifact(store, place, options));
  LayoutImage image;
  image.config = TRY(image::parse_config(artifact->config()));
  if (image.config.diff_ids.size() != artifact->layer_count())
    return fail(Code::invalid, "read image", "its configuration has a different number of layers");
  Cache cache = TRY(Cache::open(store));
  std::map<std::string, CachedStep> fresh;  // by key
  for (std::size_t i = 0; i < artifact->layer_count(); ++i) {
    const image::Digest& diff_id = image.config.diff_ids[i];
    const image::LayerInfo& layer = image.layers.emplace_back(TRY(artifact->layer(i, diff_id)));
    const std::string key = sha256_hex("layer of a layout " + diff_id.text());
    if (!TRY(cache.find(key))) fresh[key] = {layer.id, layer.directory, key, system_now()};
  }
  if (!fresh.empty()) TRY(store.flush());
  for (const auto& [key, step] : fresh) TRY(cache.remember(key, "layer of " + url, step));
  return image;
}

}  // namespace consort::build
