#include "serve/api/containers/containers.hpp"

#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/folder.hpp"
#include "base/strings.hpp"
#include "engine/images.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

constexpr std::size_t note_limit = std::size_t{16} << 20;

std::string note_path(const engine::ContainerDetails& container) {
  return container.bundle + "/client.json";
}

}  // namespace

Result<engine::ContainerDetails> find_container(Call& call, const std::string& name) {
  engine::Engine& engine = *TRY(call.engine());
  const std::string plain = name.starts_with('/') ? name.substr(1) : name;
  engine::ContainerDetails found = TRY(engine.inspect(plain));
  if (!call.service().shows(found)) return fail(http_error(404, "No such container: " + plain));
  return found;
}

Result<engine::ContainerDetails> find_container(Call& call) {
  return find_container(call, call.variable("id"));
}

Json client_note(const engine::ContainerDetails& container) {
  const auto text = read_file(note_path(container), note_limit);
  if (!text) return Json::object();
  auto note = parse_json(*text, "client.json");
  return note && note->is_object() ? std::move(*note) : Json::object();
}

// Next to the bundle, and removed with it. It contains nothing that a start needs.
Result<> keep_client_note(const engine::ContainerDetails& container, const Json& note) {
  return write_file_atomic(note_path(container), dump_json(note), 0600);
}

ContainerSize size_of(engine::Engine& engine, const engine::Container& container) {
  const std::uint64_t own = tree_bytes(engine.roots().container(container.id) + "/upper");
  const auto image = engine.images().look_up(container.image_id).value_or(std::nullopt);
  return {.own = own, .whole = own + (image ? image->size : 0)};
}

Result<engine::TerminalSize> terminal_size(Call& call) {
  const auto side = [&](const char* key, const char* what) -> Result<std::uint16_t> {
    const std::string text = call.query(key);
    const auto number = parse_unsigned(text);
    const auto fits = number ? fitting<std::uint16_t>(*number) : std::nullopt;
    if (!fits)
      return fail(http_error(400, std::string("invalid resize ") + what + " \"" + text + "\": invalid syntax"));
    return *fits;
  };
  engine::TerminalSize size;
  size.rows = TRY(side("h", "height"));
  size.columns = TRY(side("w", "width"));
  return size;
}

}  // namespace consort::serve
