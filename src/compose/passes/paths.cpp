// Makes relative paths absolute.
#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/passes/canonical.hpp"

namespace consort::compose {

namespace {

bool is_windows_absolute(std::string_view path) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (path.starts_with("\\\\")) return true;
  return path.size() > 2 && letter(path[0]) && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
}

class Pass {
 public:
  Pass(const std::string& base, const PathOptions& options, Reporter& reporter)
      : base_(base), options_(options), reporter_(reporter) {}

  void run(Node& root) {
    visit_containers(root, [this](Node& node, const std::string&) { service(node); });
    for (const std::string_view section : {"configs", "secrets"}) {
      if (Node* resources = root.find(section)) {
        for (Entry& entry : resources->entries) host_path(entry.value.find("file"));
      }
    }
    if (Node* volumes = root.find("volumes")) {
      for (Entry& entry : volumes->entries) volume(entry.value);
    }
  }

 private:
  void service(Node& node) {
    if (Node* build = node.find("build")) {
      context(build->find("context"));
      contexts(build->find("additional_contexts"));
      keys(build->find("ssh"));
    }
    if (Node* files = node.find("env_file")) {
      for (Node& item : files->items) path(item.find("path"));
    }
    if (Node* files = node.find("label_file")) {
      for (Node& item : files->items) path(&item);
    }
    if (Node* mounts = node.find("volumes")) {
      for (Node& item : mounts->items) {
        const Node* type = item.find("type");
        if (type && type->text == "bind") bind_source(item);
      }
    }
    Node* develop = node.find("develop");
    if (Node* watch = develop ? develop->find("watch") : nullptr) {
      for (Node& item : watch->items) watched(item.find("path"));
    }
  }

  void volume(Node& node) {
    const Node* driver = node.find("driver");
    Node* options = node.find("driver_opts");
    if (!driver || driver->scalar_text() != "local" || !options) return;
    const Node* kind = options->find("o");
    if (kind && kind->scalar_text() == "bind") host_path(options->find("device"));
  }

  std::string expand_home(const std::string& text) const {
    if (!text.starts_with("~") || options_.home.empty()) return text;
    return join_path(options_.home, "./" + text.substr(1));
  }

  void path(Node* node) {
    if (node && !node->text.empty()) host_path(node, Absolute::here);
  }

  enum class Absolute : std::uint8_t { here, anywhere };

  // An empty text means the base itself.
  void host_path(Node* node, Absolute absolute = Absolute::anywhere) {
    if (!node || !node->is_string()) return;
    node->text = expand_home(node->text);
    if (absolute == Absolute::anywhere && is_windows_absolute(node->text)) return;
    if (!node->text.starts_with('/')) node->text = join_path(base_, node->text);
  }

  void bind_source(Node& mount) {
    if (Node* source = mount.find("source")) return host_path(source);
    if (reporter_.failed()) return;  // the mapping may be the value of a misspelled key
    Diagnostic& made = reporter_.error(
        "missing-key", "invalid mount config for type \"bind\": field Source must not be empty", mount.place);
    made.label = "which directory of this machine?";
    made.help = "add `source:`, the path on this machine";
  }

  // Follows the first symbolic link in the path.
  void watched(Node* node) {
    path(node);
    if (!node || !node->is_string() || !node->text.starts_with('/')) return;
    for (std::size_t end = node->text.find('/', 1);; end = node->text.find('/', end + 1)) {
      const std::string prefix = node->text.substr(0, end);
      if (const std::string real = options_.resolve_links(prefix); real != prefix) {
        node->text.replace(0, prefix.size(), real);
        return;
      }
      if (end == std::string::npos) return;
    }
  }

  void context(Node* node) {
    if (node && node->is_string() && !is_remote(node->text) && !node->text.starts_with("service:")) path(node);
  }

  void contexts(Node* node) {
    if (!node) return;
    for (Entry& entry : node->entries) context(&entry.value);
    for (Node& item : node->items) {
      const std::size_t equals = item.text.find('=');
      if (equals == std::string::npos) continue;
      Node value = Node::make_string(item.text.substr(equals + 1), item.place);
      context(&value);
      item.text = item.text.substr(0, equals + 1) + value.text;
    }
  }

  void keys(Node* node) {
    if (!node) return;
    for (Entry& entry : node->entries) host_path(&entry.value);
    for (Node& item : node->items) {
      const std::size_t equals = item.text.find('=');
      if (equals == std::string::npos) continue;
      Node value = Node::make_string(item.text.substr(equals + 1), item.place);
      host_path(&value);
      item.text = item.text.substr(0, equals + 1) + value.text;
    }
  }

  const std::string& base_;
  const PathOptions& options_;
  Reporter& reporter_;
};

}  // namespace

bool is_remote(std::string_view text) {
  for (const std::string_view prefix : {"https://", "http://", "git://", "ssh://", "github.com/", "git@"}) {
    if (text.starts_with(prefix)) return true;
  }
  return text.find("://") != std::string_view::npos;
}

void resolve_paths(Node& root, const std::string& base, const PathOptions& options, Reporter& reporter) {
  Pass(base, options, reporter).run(root);
}

std::string relative_path(const std::string& to, const std::string& from) {
  const auto parts_of = [](const std::string& path) {
    std::vector<std::string> parts;
    for (const auto& part : split(path, '/'))
      if (!part.empty()) parts.emplace_back(part);
    return parts;
  };
  const std::vector<std::string> there = parts_of(clean_path(to));
  const std::vector<std::string> here = parts_of(clean_path(from));
  const std::size_t shared = static_cast<std::size_t>(std::ranges::mismatch(there, here).in1 - there.begin());
  std::string path;
  for (std::size_t i = shared; i < here.size(); ++i) path += "../";
  for (std::size_t i = shared; i < there.size(); ++i) path += there[i] + "/";
  return clean_path(path);
}

}  // namespace consort::compose
