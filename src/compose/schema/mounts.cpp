// Attributes for mounts of a service.
#include "compose/schema/shapes.hpp"

namespace consort::compose::shapes {

constexpr string_view type_key[]{"type"};
constexpr string_view recursions[]{"enabled", "disabled", "writable", "readonly"};
constexpr Shape recursion{.name = "mode", .types = type::string, .choices = recursions};
constexpr string_view selinux_values[]{"z", "Z"};
constexpr Shape selinux{.name = "z or Z", .types = type::string, .choices = selinux_values};
constexpr Field bind_fields[]{
    {"propagation", &text}, {"create_host_path", &flag}, {"recursive", &recursion}, {"selinux", &selinux}};
constexpr Shape bind{.name = "mapping", .types = type::mapping, .fields = bind_fields};
constexpr Field volume_option_fields[]{{"labels", &list_or_map}, {"nocopy", &flag}, {"subpath", &text}};
constexpr Shape volume_options{.name = "mapping", .types = type::mapping, .fields = volume_option_fields};
constexpr Shape tmpfs_size{
    .name = "size", .types = type::integer | type::string, .example = "64m", .minimum = 0, .maximum = 1e18};
constexpr Field tmpfs_fields[]{{"size", &tmpfs_size}, {"mode", &file_mode}};
constexpr Shape tmpfs_options{.name = "mapping", .types = type::mapping, .fields = tmpfs_fields};
constexpr Field image_fields[]{{"subpath", &text}};
constexpr Shape image_options{.name = "mapping", .types = type::mapping, .fields = image_fields};
constexpr string_view mount_types[]{"bind", "volume", "tmpfs", "cluster", "npipe", "image"};
constexpr Shape mount_type{.name = "type of mount", .types = type::string, .example = "bind", .choices = mount_types};
constexpr Field mount_fields[]{{"type", &mount_type},       {"source", &text},         {"target", &text},
                               {"read_only", &flag},        {"consistency", &text},    {"bind", &bind},
                               {"volume", &volume_options}, {"tmpfs", &tmpfs_options}, {"image", &image_options}};
constexpr Shape mount{.name = "string or mapping",
                      .types = type::string | type::mapping,
                      .example = "data:/var/lib/data",
                      .fields = mount_fields,
                      .required = type_key};
constexpr Shape mounts{
    .name = "list", .types = type::sequence, .example = "- data:/var/lib/data", .item = &mount, .unique = true};

}  // namespace consort::compose::shapes
