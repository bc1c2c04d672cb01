package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.swagger.v3.oas.models.parameters.Parameter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openapitools.openapidiff.core.OpenApiCompare;
import org.openapitools.openapidiff.core.model.Changed;
import org.openapitools.openapidiff.core.model.ChangedApiResponse;
import org.openapitools.openapidiff.core.model.ChangedContent;
import org.openapitools.openapidiff.core.model.ChangedHeaders;
import org.openapitools.openapidiff.core.model.ChangedOpenApi;
import org.openapitools.openapidiff.core.model.ChangedOperation;
import org.openapitools.openapidiff.core.model.ChangedParameter;
import org.openapitools.openapidiff.core.model.ChangedParameters;
import org.openapitools.openapidiff.core.model.ChangedRequestBody;
import org.openapitools.openapidiff.core.model.ChangedSchema;
import org.openapitools.openapidiff.core.model.ComposedChanged;
import org.openapitools.openapidiff.core.model.DiffResult;
import org.openapitools.openapidiff.core.model.schema.ChangedEnum;
import org.openapitools.openapidiff.core.model.schema.ChangedOneOfSchema;
import org.openapitools.openapidiff.core.model.schema.ChangedRequired;

/**
 * The changes between two OpenAPI 3.1 documents that break clients of the first, found by openapi-diff.
 *
 * <p>openapi-diff reads 3.1 but misses many changes in its schemas, such as another type of a nullable field, so both
 * documents are translated to 3.0 first. Three rules are stricter than openapi-diff's: a field that can now be null
 * counts as one that can be missing; removing a field from a request is a break, because OMS rejects unknown fields;
 * and so is another id of an operation, because it does something else, or generated clients name it otherwise.
 *
 * @see <a href="https://github.com/OpenAPITools/openapi-diff/issues/344">openapi-diff #344: support for 3.1</a>
 */
final class ApiBreaks {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    /** Keywords of 3.1 that openapi-diff would ignore and that are not translated yet. */
    private static final Set<String> UNTRANSLATED = Set.of(
            "const",
            "prefixItems",
            "patternProperties",
            "unevaluatedProperties",
            "dependentRequired",
            "dependentSchemas",
            "$defs");

    /** The operations affected by each break: a break in a shared schema affects several. */
    private final Map<String, Set<String>> operationsByBreak = new LinkedHashMap<>();

    private ApiBreaks() {}

    /**
     * Compares two documents.
     *
     * @return a line for each break: what it is, and the operations it affects
     */
    static List<String> between(String released, String current) throws JsonProcessingException {
        ChangedOpenApi diff = OpenApiCompare.fromContents(translated(released), translated(current));
        ApiBreaks breaks = new ApiBreaks();
        diff.getMissingEndpoints()
                .forEach(endpoint ->
                        breaks.add("operation removed", endpoint.getMethod() + " " + endpoint.getPathUrl()));
        for (ChangedOperation operation : diff.getChangedOperations()) {
            String call = operation.getHttpMethod() + " " + operation.getPathUrl();
            String oldId = operation.getOldOperation().getOperationId();
            String newId = operation.getNewOperation().getOperationId();
            if (oldId != null && !oldId.equals(newId)) {
                breaks.add("operation renamed from " + oldId + " to " + newId, call);
            }
            breaks.collect("", operation, call);
        }
        List<String> lines = new ArrayList<>();
        breaks.operationsByBreak.forEach((what, operations) -> lines.add(what + ": " + String.join(", ", operations)));
        if (lines.isEmpty() && diff.isIncompatible()) {
            lines.add("openapi-diff reports a break outside the operations");
        }
        return lines;
    }

    private void add(String what, String operation) {
        operationsByBreak.computeIfAbsent(what, key -> new LinkedHashSet<>()).add(operation);
    }

    private void collect(String where, Changed changed, String operation) {
        DiffResult own = changed instanceof ComposedChanged composed ? composed.isCoreChanged() : changed.isChanged();
        if (own.isIncompatible() || removesRequestField(changed)) {
            add((where + " " + describe(changed)).strip(), operation);
        }
        children(changed).forEach(child -> collect((where + child.suffix()).strip(), child.changed(), operation));
    }

    private static boolean removesRequestField(Changed changed) {
        return changed instanceof ChangedSchema schema
                && schema.getContext().isRequest()
                && !schema.getMissingProperties().isEmpty();
    }

    private static String describe(Changed changed) {
        return switch (changed) {
            case ChangedParameters parameters ->
                difference(
                        "parameters",
                        names(parameters.getIncreased().stream()
                                .filter(parameter -> Boolean.TRUE.equals(parameter.getRequired()))
                                .toList()),
                        names(parameters.getMissing()));
            case ChangedParameter parameter when parameter.isChangeRequired() -> "is now required";
            case ChangedRequestBody body when body.isChangeRequired() -> "is now required";
            case ChangedApiResponse responses ->
                difference("responses", Set.of(), responses.getMissing().keySet());
            case ChangedContent content ->
                difference("media types", Set.of(), content.getMissing().keySet());
            case ChangedHeaders headers ->
                difference("headers", Set.of(), headers.getMissing().keySet());
            case ChangedOneOfSchema oneOf ->
                difference(
                        "alternatives",
                        oneOf.getIncreased().keySet(),
                        oneOf.getMissing().keySet());
            case ChangedRequired required ->
                difference("required fields", required.getIncreased(), required.getMissing());
            case ChangedEnum<?> values -> difference("values", values.getIncreased(), values.getMissing());
            case ChangedSchema schema
            when schema.isChangedType() ->
                "is %s, was %s"
                        .formatted(
                                schema.getNewSchema().getType(),
                                schema.getOldSchema().getType());
            case ChangedSchema schema
            when schema.isChangeFormat() ->
                "is %s, was %s"
                        .formatted(
                                schema.getNewSchema().getFormat(),
                                schema.getOldSchema().getFormat());
            case ChangedSchema schema
            when !schema.getMissingProperties().isEmpty() ->
                difference("fields", Set.of(), schema.getMissingProperties().keySet());
            default -> kind(changed) + " changed";
        };
    }

    private static List<String> names(List<Parameter> parameters) {
        return parameters.stream()
                .map(parameter -> parameter.getIn() + " " + parameter.getName())
                .toList();
    }

    private static String difference(String what, Collection<?> added, Collection<?> removed) {
        return Stream.of(Map.entry("added", added), Map.entry("removed", removed))
                .filter(change -> !change.getValue().isEmpty())
                .map(change -> what + " " + change.getKey() + " " + change.getValue())
                .collect(Collectors.joining(", "));
    }

    /** Such as "numeric range" for a ChangedNumericRange. */
    private static String kind(Changed changed) {
        return changed.getClass()
                .getSimpleName()
                .replaceFirst("^Changed", "")
                .replaceAll("(?<=[a-z])(?=[A-Z])", " ")
                .toLowerCase(Locale.ROOT);
    }

    private record Child(String suffix, Changed changed) {}

    private static List<Child> children(Changed changed) {
        List<Child> children = new ArrayList<>();
        switch (changed) {
            case ChangedOperation operation -> {
                add(children, "", operation.getParameters());
                add(children, " request", operation.getRequestBody());
                add(children, "", operation.getApiResponses());
                add(children, " security", operation.getSecurityRequirements());
            }
            case ChangedParameters parameters ->
                parameters
                        .getChanged()
                        .forEach(parameter ->
                                add(children, " " + parameter.getIn() + " " + parameter.getName(), parameter));
            case ChangedApiResponse responses ->
                responses.getChanged().forEach((status, response) -> add(children, " response " + status, response));
            case ChangedHeaders headers ->
                headers.getChanged().forEach((name, header) -> add(children, " header " + name, header));
            case ChangedSchema schema -> {
                schema.getChangedProperties().forEach((name, property) -> add(children, "." + name, property));
                add(children, "[]", schema.getItems());
                add(children, "{}", schema.getAddProp());
                Set<Changed> nested =
                        new LinkedHashSet<>(schema.getChangedProperties().values());
                nested.add(schema.getItems());
                nested.add(schema.getAddProp());
                schema.getChangedElements().stream()
                        .filter(element -> !nested.contains(element))
                        .forEach(element -> add(children, "", element));
            }
            case ComposedChanged composed ->
                composed.getChangedElements().forEach(element -> add(children, "", element));
            default -> {}
        }
        return children;
    }

    private static void add(List<Child> children, String suffix, Changed changed) {
        if (changed != null) {
            children.add(new Child(suffix, changed));
        }
    }

    private static String translated(String document) throws JsonProcessingException {
        ObjectNode root = (ObjectNode) YAML.readTree(document);
        root.put("openapi", "3.0.3");
        translate(root);
        return root.toString();
    }

    private static void translate(JsonNode node) {
        node.forEach(ApiBreaks::translate);
        if (node instanceof ObjectNode object) {
            object.propertyStream()
                    .filter(member -> UNTRANSLATED.contains(member.getKey()))
                    .forEach(member -> {
                        throw new IllegalArgumentException("ApiBreaks has to translate " + member + " to OpenAPI 3.0");
                    });
            translateType(object);
            makeNullableOptional(object);
        }
    }

    /** {@code type: [string, 'null']} becomes {@code type: string, nullable: true}. */
    private static void translateType(ObjectNode schema) {
        List<String> types = schema.path("type").isArray()
                ? schema.path("type").valueStream().map(JsonNode::asText).toList()
                : List.of(schema.path("type").asText());
        if (!types.contains("null")) {
            return;
        }
        List<String> others =
                types.stream().filter(type -> !type.equals("null")).toList();
        if (others.size() > 1) {
            throw new IllegalArgumentException("OpenAPI 3.0 has no counterpart of " + schema);
        }
        schema.remove("type");
        others.forEach(type -> schema.put("type", type));
        schema.put("nullable", true);
    }

    /** openapi-diff lets a response field become null, but not be left out. */
    private static void makeNullableOptional(ObjectNode schema) {
        if (schema.get("required") instanceof ArrayNode required) {
            ArrayNode present = required.deepCopy().removeAll();
            required.forEach(name -> {
                if (!schema.path("properties")
                        .path(name.asText())
                        .path("nullable")
                        .asBoolean()) {
                    present.add(name);
                }
            });
            schema.set("required", present);
        }
    }
}
