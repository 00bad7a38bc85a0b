#include "cli/render/service_graph.hpp"

#include <algorithm>
#include <map>

#include "base/strings.hpp"
#include "compose/compose.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

using compose::DependencyCondition;

// Images and addresses come from files that may be written by others.
std::string html(std::string text) {
  text = replace_all(std::move(text), "&", "&amp;");
  text = replace_all(std::move(text), "<", "&lt;");
  text = replace_all(std::move(text), ">", "&gt;");
  return replace_all(std::move(text), "\"", "&quot;");
}

std::string port_text(const compose::Port& port) {
  std::string text;
  if (!port.host_ip.empty()) text += port.host_ip + ":";
  if (!port.published.empty()) text += port.published + ":";
  return text + std::to_string(port.target) + " (" + port.protocol + ", " + port.mode + ")";
}

std::string block(const std::string& title, const std::vector<std::string>& lines) {
  std::string text = "<font point-size=\"10\"><br/><br/><b>" + title + ":</b>";
  for (const std::string& line : lines) text += "<br/>" + html(line);
  return text + "</font>";
}

std::string label_of(const compose::Project& project, const compose::Service& service, const VizOptions& options) {
  std::string label = "<font point-size=\"15\">" + html(service.name) + "</font>";
  std::vector<std::string> lines;
  if (options.networks) {
    for (const auto& [name, network] : service.networks) lines.push_back(name);
    label += block("Networks", lines);
  }
  if (options.ports && !service.ports.empty()) {
    lines.clear();
    for (const compose::Port& port : service.ports) lines.push_back(port_text(port));
    label += block("Ports", lines);
  }
  if (options.image) label += block("Image", {project::image_name(project, service)});
  return label;
}

// The condition that a service waits for, or "" if it merely starts later.
std::string_view condition_of(const compose::Dependency& dependency) {
  switch (dependency.condition) {
    case DependencyCondition::healthy:
      return "healthy";
    case DependencyCondition::completed_successfully:
      return "completed";
    case DependencyCondition::started:
      return "";
  }
  return "";
}

std::string text_graph(const compose::Project& project) {
  std::size_t width = 0;
  for (const auto& [name, service] : project.services) width = std::max(width, name.size());
  std::string text;
  for (const std::string& name : compose::dependency_order(project)) {
    const compose::Service& service = project.services.at(name);
    std::vector<std::string> after;
    for (const auto& [on, dependency] : service.depends_on) {
      const std::string_view condition = condition_of(dependency);
      after.push_back(on + (condition.empty() ? "" : " (" + std::string(condition) + ")") +
                      (dependency.required ? "" : " if it is there"));
    }
    text += name;
    if (!after.empty()) text += std::string(width - name.size(), ' ') + "  after " + join(after, ", ");
    text += "\n";
  }
  return text;
}

// Nodes are numbered, because a name may be a keyword of the language ("end").
std::string mermaid_graph(const compose::Project& project) {
  std::map<std::string, std::string> nodes;
  std::string text = "flowchart LR\n";
  for (const auto& [name, service] : project.services) {
    const std::string node = "s" + std::to_string(nodes.size());
    nodes[name] = node;
    text += "  " + node + "[\"" + name + "\"]\n";
  }
  for (const auto& [name, service] : project.services)
    for (const auto& [on, dependency] : service.depends_on) {
      if (!nodes.contains(on)) continue;
      const std::string_view condition = condition_of(dependency);
      text += "  " + nodes[name] + (dependency.required ? " -->" : " -.->") +
              (condition.empty() ? "" : "|" + std::string(condition) + "|") + " " + nodes[on] + "\n";
    }
  return text;
}

}  // namespace

std::string viz_graph(const compose::Project& project, const VizOptions& options) {
  const std::string& indent = options.indent;
  std::string text = "digraph \"" + html(project.name) + "\" {\n" + indent + "layout=dot;\n";
  for (const auto& [name, service] : project.services)
    text += indent + "\"" + name + "\" [style=\"filled\" label=<" + label_of(project, service, options) + ">];\n";
  text += "\n";
  for (const auto& [name, service] : project.services)
    for (const auto& [on, dependency] : service.depends_on) text += indent + "\"" + name + "\" -> \"" + on + "\";\n";
  return text + "}\n";
}

Result<std::string> service_graph(const compose::Project& project, const std::string& format) {
  if (format == "text") return text_graph(project);
  if (format == "mermaid") return mermaid_graph(project);
  if (format == "dot") return viz_graph(project, {.networks = true, .ports = true, .image = true, .indent = "  "});
  return fail(Code::invalid, "invalid --graph option \"" + format + "\": text, mermaid or dot");
}

}  // namespace consort::cli
