// Relative paths become absolute ones.
#include "base/os/file.hpp"
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
  Pass(const std::string& base, const std::string& home) : base_(base), home_(home) {}

  void run(Node& root) {
    if (Node* services = root.find("services")) {
      for (Entry& entry : services->entries) service(entry.value);
    }
    for (const std::string_view section : {"configs", "secrets"}) {
      if (Node* resources = root.find(section)) {
        for (Entry& entry : resources->entries) path(entry.value.find("file"));
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
        if (type && type->text == "bind") host_path(item.find("source"));
      }
    }
    Node* develop = node.find("develop");
    if (Node* watch = develop ? develop->find("watch") : nullptr) {
      for (Node& item : watch->items) path(item.find("path"));
    }
  }

  void volume(Node& node) {
    const Node* driver = node.find("driver");
    Node* options = node.find("driver_opts");
    if (!driver || driver->scalar_text() != "local" || !options) return;
    const Node* kind = options->find("o");
    if (kind && kind->scalar_text() == "bind") path(options->find("device"));
  }

  std::string expand_home(const std::string& text) const {
    if (!text.starts_with("~") || home_.empty()) return text;
    return join_path(home_, "./" + text.substr(1));
  }

  void path(Node* node) {
    if (!node || !node->is_string() || node->text.empty()) return;
    node->text = expand_home(node->text);
    if (!node->text.starts_with('/')) node->text = join_path(base_, node->text);
  }

  void host_path(Node* node) {
    if (!node || !node->is_string() || is_windows_absolute(node->text)) return;
    path(node);
  }

  static bool is_remote(std::string_view text) {
    for (const std::string_view prefix : {"https://", "http://", "git://", "ssh://", "github.com/", "git@"}) {
      if (text.starts_with(prefix)) return true;
    }
    return text.find("://") != std::string_view::npos;
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
    for (Entry& entry : node->entries) path(&entry.value);
    for (Node& item : node->items) {
      const std::size_t equals = item.text.find('=');
      if (equals == std::string::npos) continue;
      Node value = Node::make_string(item.text.substr(equals + 1), item.place);
      path(&value);
      item.text = item.text.substr(0, equals + 1) + value.text;
    }
  }

  const std::string& base_;
  const std::string& home_;
};

}  // namespace

void resolve_paths(Node& root, const std::string& base, const std::string& home) {
  Pass(base, home).run(root);
}

}  // namespace consort::compose
