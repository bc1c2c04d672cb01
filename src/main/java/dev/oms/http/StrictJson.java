package dev.oms.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.quarkus.jackson.ObjectMapperCustomizer;
import jakarta.inject.Singleton;

/**
 * Rejects what Jackson would otherwise guess at: duplicate keys, 1.5 or "1.5" for an integer, 1 for a string, trailing
 * text. Also limits nesting and the number of tokens.
 */
@Singleton
class StrictJson implements ObjectMapperCustomizer {
    /** Far more than any body needs, and far fewer than Jackson's default. */
    static final int DEPTH_MAX = 20;

    /**
     * Brackets, names and values in a body; an order of 100 items has some 200. Jackson reads all unknown fields before
     * it rejects the first.
     */
    static final int TOKENS_MAX = 1_000;

    /** Returns a mapper that is as strict as the one that reads the bodies. */
    static ObjectMapper mapper() {
        ObjectMapper mapper = new ObjectMapper();
        new StrictJson().customize(mapper);
        return mapper;
    }

    @Override
    @SuppressWarnings(
            "deprecation") // MapperFeature can otherwise only be set on a builder, which Quarkus does not expose.
    public void customize(ObjectMapper mapper) {
        mapper.getFactory().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION.mappedFeature());
        // Item names are field names of an order. Canonicalizing them would copy a table that all parsers share with
        // nearly every order, for names that hardly ever recur.
        mapper.getFactory().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES);
        mapper.getFactory()
                .setStreamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(DEPTH_MAX)
                        .maxTokenCount(TOKENS_MAX)
                        .build());
        mapper.registerModule(new SimpleModule("oms").addDeserializer(Long.class, new WholeNumber()));
        mapper.disable(MapperFeature.ALLOW_COERCION_OF_SCALARS);
        mapper.disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT);
        mapper.enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
        mapper.enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS);
        for (CoercionInputShape shape : new CoercionInputShape[] {
            CoercionInputShape.Integer, CoercionInputShape.Float, CoercionInputShape.Boolean
        }) {
            mapper.coercionConfigFor(LogicalType.Textual).setCoercion(shape, CoercionAction.Fail);
        }
    }
}
