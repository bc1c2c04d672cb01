package dev.oms.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.util.ModelMapper;
import java.io.IOException;
import java.util.List;

/** Parses manifests at least as strictly as an API server with strict field validation. */
final class StrictModel {
    private static final YAMLMapper YAML = YAMLMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final ObjectReader KEDA = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build()
            .reader();

    private StrictModel() {}

    static List<KubernetesObject> read(String yaml) throws IOException {
        try (var documents = YAML.readerFor(JsonNode.class).<JsonNode>readValues(yaml)) {
            return documents.readAll().stream().map(StrictModel::read).toList();
        }
    }

    private static KubernetesObject read(JsonNode document) {
        String apiVersion = document.path("apiVersion").asText();
        String kind = document.path("kind").asText();
        try {
            return switch (kind) {
                case "ScaledObject" -> KEDA.treeToValue(document, Keda.ScaledObject.class);
                case "TriggerAuthentication" -> KEDA.treeToValue(document, Keda.TriggerAuthentication.class);
                default -> read(document, ModelMapper.getApiTypeClass(apiVersion, kind));
            };
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static KubernetesObject read(JsonNode document, Class<?> type) throws JsonProcessingException {
        assertThat(type)
                .as("Kubernetes type %s %s", document.path("apiVersion"), document.path("kind"))
                .isNotNull();
        // The model rejects unknown fields and missing required ones.
        Object resource = JSON.getGson().fromJson(document.toString(), type);
        // But it reads 1 as "1" where a string is required, which an API server rejects.
        assertUnchanged(document, YAML.readTree(JSON.getGson().toJson(resource)));
        return (KubernetesObject) resource;
    }

    /** Asserts that parsing changed nothing in the document; the model may add empty fields. */
    private static void assertUnchanged(JsonNode document, JsonNode read) {
        if (document.isObject()) {
            document.properties().forEach(field -> assertUnchanged(field.getValue(), read.path(field.getKey())));
        } else if (document.isArray()) {
            assertThat(read).hasSameSizeAs(document);
            for (int i = 0; i < document.size(); i++) {
                assertUnchanged(document.get(i), read.get(i));
            }
        } else {
            assertThat(read).isEqualTo(document);
        }
    }
}
