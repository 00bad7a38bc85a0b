#include "buildkit/solve/outputs.hpp"

#include <fcntl.h>

#include <algorithm>
#include <exception>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/trees/trash.hpp"
#include "base/strings.hpp"
#include "buildkit/session/client.hpp"
#include "engine/engine.hpp"
#include "engine/images.hpp"
#include "image/layer_tar.hpp"

namespace consort::buildkit {
namespace {

constexpr const char* exporter_header = "buildkit-attachable-exporter-id";

void add_names(const wire::Exporter& exporter, Outputs& outputs) {
  const auto found = exporter.attrs().find("name");
  if (found == exporter.attrs().end()) return;
  for (const std::string& name : split(found->second, ','))
    if (const auto word = trim(name); !word.empty()) outputs.names.emplace_back(word);
}

// Writes the image's merged files as a tar to `out`.
Result<> write_files(engine::Engine& engine, const std::string& image_id, int out, const std::stop_token& cancel) {
  const auto images = engine.images();
  const image::Image image = TRY(images.find(image_id));
  std::vector<std::string> lower;
  for (const image::LayerInfo& layer : TRY(images.layers_of(image))) lower.push_back(layer.directory);
  std::ranges::reverse(lower);
  return image::export_rootfs(lower, "", out, cancel);
}

// Connects both sides by a pipe: one writes what the other one reads.
Result<> stream_files(engine::Engine& engine, const std::string& image_id, const std::stop_token& cancel,
                      const std::function<Result<>(int from)>& reader) {
  Pipe pipe = TRY(make_pipe());
  Result<> written;
  std::jthread writer([&] {
    written = write_files(engine, image_id, pipe.write.get(), cancel);
    pipe.write.reset();
  });
  const Result<> read = reader(pipe.read.get());
  pipe.read.reset();  // a writer without a reader ends
  writer.join();
  if (!read) return fail(read.error());
  return written;
}

Result<> send_tar(engine::Engine& engine, Session& session, const Headers& metadata, const std::string& image_id,
                  ProgressFeed& feed, const std::stop_token& cancel) {
  ProgressFeed::Step step(feed, "exporting to client tarball");
  TRY(stream_files(engine, image_id, cancel, [&](int from) { return send_bytes(session, from, metadata, cancel); }));
  step.part("sending tarball");
  step.done();
  return {};
}

Result<> send_directory(engine::Engine& engine, Session& session, const Headers& metadata, const std::string& image_id,
                        ProgressFeed& feed, const std::stop_token& cancel) {
  ProgressFeed::Step step(feed, "exporting to client directory");
  step.transfer("copying files", "");
  const std::string passing = build::passing_directory(engine.roots());
  const ScratchDirectory scratch = TRY(ScratchDirectory::create(passing, "build"));
  const std::string directory = scratch.path() + "/files";
  TRY(make_directories(directory, 0755));
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  options.cancel = cancel;
  TRY(stream_files(engine, image_id, cancel, [&](int from) -> Result<> {
    TRY(image::unpack_layer(image::source_of_fd(from, cancel), directory, options));
    return {};
  }));
  const Fd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TRY(send_files(
      session, root.get(), metadata, [&](std::uint64_t bytes) { step.transferred(bytes); }, cancel));
  step.done();
  return {};
}

}  // namespace

Result<Outputs> read_outputs(const std::vector<wire::Exporter>& exporters) {
  Outputs outputs;
  for (std::size_t i = 0; i < exporters.size(); ++i) {
    const wire::Exporter& exporter = exporters[i];
    const std::string& type = exporter.type();
    if (type == "moby" || type == "image") {
      outputs.keep_image = true;
      add_names(exporter, outputs);
    } else if (type == "tar" || type == "local") {
      outputs.others.emplace_back(i, exporter);
    } else if (!type.empty() && type != "cacheonly") {
      return fail(Error(Code::unsupported)
                      .why("exporter \"" + type + "\" could not be found")
                      .hint("build the image, and save it: docker save"));
    }
  }
  return outputs;
}

Result<> send_output(engine::Engine& engine, Session& session, const wire::Exporter& exporter, std::size_t number,
                     const std::string& image_id, ProgressFeed& feed, const std::stop_token& cancel) {
  const Headers metadata{{exporter_header, std::to_string(number)}};
  if (exporter.type() == "tar") return send_tar(engine, session, metadata, image_id, feed, cancel);
  return send_directory(engine, session, metadata, image_id, feed, cancel);
}

}  // namespace consort::buildkit
