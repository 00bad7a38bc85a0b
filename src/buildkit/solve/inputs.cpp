#include "buildkit/solve/inputs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "image/layer_tar.hpp"

namespace consort::buildkit {
namespace {

constexpr std::string_view scheme = "consort-build://";
constexpr std::size_t max_dockerfile = std::size_t{4} << 20;

// Checks for the magic numbers of compressed data, or for that of ustar.
bool is_archive(std::string_view head) {
  for (const std::string_view magic : {std::string_view("\x1f\x8b"), std::string_view("\x28\xb5\x2f\xfd")})
    if (head.starts_with(magic)) return true;
  return head.size() >= 262 && head.substr(257, 5) == "ustar";
}

}  // namespace

wire::Definition definition_of(const BuiltReference& reference) {
  wire::Op source;
  source.mutable_source()->set_identifier(std::string(scheme) + reference.job + "/" + reference.result);
  wire::Definition definition;
  *definition.add_def() = source.SerializeAsString();
  wire::Op last;  // names the graph's result
  const std::string digest = "sha256:" + sha256_hex(definition.def(0));
  last.add_inputs()->set_digest(digest);
  (*definition.mutable_metadata())[digest] = {};
  *definition.add_def() = last.SerializeAsString();
  return definition;
}

Result<BuiltReference> built_reference(const wire::Definition& definition) {
  for (const std::string& bytes : definition.def()) {
    wire::Op op;
    if (!op.ParseFromString(bytes) || !op.source().identifier().starts_with(scheme)) continue;
    const std::string name = op.source().identifier().substr(scheme.size());
    const std::size_t slash = name.find('/');
    if (slash != std::string::npos) return BuiltReference{name.substr(0, slash), name.substr(slash + 1)};
  }
  return fail(
      Error(Code::unsupported).why("custom build graphs are not supported").hint("Consort only builds Dockerfiles"));
}

std::string result_of(const wire::BridgeResult& result) {
  if (result.has_ref()) return result.ref().id();
  if (!result.has_refs()) return result.ref_deprecated();
  const auto& refs = result.refs().refs();
  return refs.empty() ? std::string() : refs.begin()->second.id();
}

bool is_dockerfile_frontend(const std::string& frontend, const Attributes& attributes) {
  if (frontend == "dockerfile.v0") return true;
  const auto source = attributes.find("source");
  if (frontend != "gateway.v0" || source == attributes.end()) return false;
  std::string_view name = source->second;
  if (constexpr std::string_view hub = "docker.io/"; name.starts_with(hub)) name.remove_prefix(hub.size());
  return name.substr(0, name.find_first_of(":@")) == "docker/dockerfile";
}

Result<std::vector<std::string>> cache_specs(const std::vector<wire::CacheEntry>& entries) {
  std::vector<std::string> specs;
  for (const wire::CacheEntry& entry : entries) {
    if (entry.type() != "registry" && entry.type() != "inline")
      return fail(Error(Code::unsupported)
                      .why("a build cache of type " + entry.type() + " cannot be used here")
                      .hint("use type=registry or type=inline"));
    std::string spec = "type=" + entry.type();
    for (const char* name : {"ref", "mode", "ignore-error"}) {
      const auto found = entry.attrs().find(name);
      if (found == entry.attrs().end() || found->second.find_first_of(",\"\n") != std::string::npos) continue;
      spec.append(",").append(name).append("=").append(found->second);
    }
    if (std::ranges::find(specs, spec) == specs.end()) specs.push_back(std::move(spec));
  }
  return specs;
}

wire::Exporter image_exporter() {
  wire::Exporter exporter;
  exporter.set_type("moby");
  return exporter;
}

Result<std::string> unpack_upload(const std::string& file, const std::string& directory, SolvePlan& plan) {
  const Fd fd = TRY(open_file(file, O_RDONLY));
  std::string head(512, '\0');
  head.resize(TRY(read_full(fd.get(), std::as_writable_bytes(std::span(head)))));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("read build context");
  TRY(make_directories(directory, 0700));
  if (!is_archive(head)) {
    plan.request.dockerfile_inline = TRY(read_all(fd.get(), max_dockerfile));
    return directory;
  }
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  TRY_WRAP(image::unpack_layer(image::decompressed(image::source_of_fd(fd.get())), directory, options),
           "unpack build context");
  return directory;
}

}  // namespace consort::buildkit
