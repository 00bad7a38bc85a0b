#include "serve/api/containers/containers.hpp"

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/files.hpp"
#include "engine/images.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

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

Json client_note(Call& call, const engine::ContainerDetails& container) {
  const auto engine = call.engine();
  if (!engine) return Json::object();
  const auto text = (*engine)->files().note(container.id);
  if (!text) return Json::object();
  auto note = parse_json(*text, "client.json");
  return note && note->is_object() ? std::move(*note) : Json::object();
}

Result<> keep_client_note(Call& call, const engine::ContainerDetails& container, const Json& note) {
  return TRY(call.engine())->files().keep_note(container.id, dump_json(note));
}

ContainerSize size_of(engine::Engine& engine, const engine::Container& container) {
  const std::uint64_t own = engine.files().own_bytes(container.id);
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
