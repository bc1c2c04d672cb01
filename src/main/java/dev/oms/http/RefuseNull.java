package dev.oms.http;

import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.deser.std.StringDeserializer;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * Readers of optional fields that may be absent but not null. (Jackson's {@code Nulls.FAIL} refuses absent components
 * of a record too.)
 */
public final class RefuseNull {
    private RefuseNull() {}

    /** Reads a string. */
    @RegisterForReflection
    public static final class Text extends StringDeserializer {
        private static final long serialVersionUID = 1L;

        @Override
        public String getNullValue(DeserializationContext context) throws JsonMappingException {
            throw new IsNull(context);
        }

        @Override
        public Object getAbsentValue(DeserializationContext context) {
            return null;
        }
    }

    /** Reads a whole number. */
    @RegisterForReflection
    public static final class Number extends WholeNumber {
        private static final long serialVersionUID = 1L;

        @Override
        public Long getNullValue(DeserializationContext context) throws JsonMappingException {
            throw new IsNull(context);
        }

        @Override
        public Object getAbsentValue(DeserializationContext context) {
            return null;
        }
    }

    /** A field is null. */
    static final class IsNull extends MismatchedInputException {
        private static final long serialVersionUID = 1L;

        private IsNull(DeserializationContext context) {
            super(context.getParser(), "is null");
        }
    }
}
