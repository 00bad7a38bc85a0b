#include "compose/references.hpp"

#include <algorithm>

#include "compose/internal/reporter.hpp"
#include "compose/source.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose {

namespace {

class Collector {
 public:
  explicit Collector(const Reporter& reporter) : reporter_(reporter) {}

  void document(const Node& root) {
    if (const Node* includes = root.find("include")) each(*includes, NamedFile::Kind::include, "");
    const Node* services = root.find("services");
    if (!services || !services->is_mapping()) return;
    for (const Entry& entry : services->entries) {
      if (const Node* extends = entry.value.find("extends"))
        if (const Node* file = extends->find("file")) add(*file, NamedFile::Kind::extends, entry.key, true);
      if (const Node* files = entry.value.find("env_file")) each(*files, NamedFile::Kind::env_file, entry.key);
    }
  }
  std::vector<NamedFile> take() { return std::move(found_); }

 private:
  // Reads a text, a mapping with `path`, or a list of either.
  void each(const Node& node, NamedFile::Kind kind, const std::string& service) {
    if (node.is_sequence()) {
      for (const Node& item : node.items) each(item, kind, service);
      return;
    }
    const Node* required = node.find("required");
    const bool needed = !required || required->scalar_text() != "false";
    const Node* path = node.is_mapping() ? node.find("path") : &node;
    if (!path) return;
    if (path->is_sequence())
      for (const Node& item : path->items) add(item, kind, service, needed);
    else
      add(*path, kind, service, needed);
  }

  void add(const Node& value, NamedFile::Kind kind, const std::string& service, bool required) {
    if (!value.is_string()) return;
    NamedFile reference{kind, service, value.text, required, {}};
    if (!value.alias_copy) reference.place = reporter_.edit(value.place, "");
    found_.push_back(std::move(reference));
  }

  const Reporter& reporter_;
  std::vector<NamedFile> found_;
};

}  // namespace

Result<std::vector<NamedFile>> file_references(const std::string& path, const std::string& text) {
  Sources sources;
  const std::uint32_t source = sources.add(path, text);
  const Reporter reporter(sources);
  const yaml::Documents documents = yaml::parse(sources.get(source)->text(), source);
  if (documents.problem)
    return fail(Error(Code::invalid, "failed to parse " + path + ": yaml: " + documents.problem->problem));
  Collector collector(reporter);
  for (const Node& root : documents.roots) collector.document(root);
  return collector.take();
}

std::string replace_references(std::string text, const std::vector<NamedFile>& references) {
  std::vector<TextEdit> edits;
  for (const NamedFile& reference : references)
    if (!reference.place.file.empty() && !reference.place.replacement.empty()) edits.push_back(reference.place);
  std::ranges::stable_sort(edits, std::ranges::greater(), &TextEdit::offset);
  std::size_t end = text.size();
  for (const TextEdit& edit : edits) {
    if (edit.offset + edit.length > end) continue;
    text.replace(edit.offset, edit.length, edit.replacement);
    end = edit.offset;
  }
  return text;
}

}  // namespace consort::compose
