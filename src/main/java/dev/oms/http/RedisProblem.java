package dev.oms.http;

import com.fasterxml.jackson.annotation.JsonValue;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.vertx.redis.client.impl.types.ErrorType;
import java.util.Locale;

/** Why Redis is of no use to a worker, or to one command. */
@RegisterForReflection
public enum RedisProblem {
    /** It does not answer. */
    UNAVAILABLE,
    /** It is a replica. */
    READ_ONLY,
    /** It has reached its {@code maxmemory}. */
    FULL,
    /** A key holds another type of value; for a worker, the key of the stream. */
    WRONG_TYPE,
    /** It refuses commands for another reason, such as missing rights. */
    REFUSED;

    /** The name on the wire. */
    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Classifies a failed command by the code with which Redis's reply begins. */
    public static RedisProblem of(Throwable e) {
        ErrorType reply = Causes.find(e, ErrorType.class);
        // The client's own error when the connection ends during a command is of the same type as a reply.
        if (reply == null || reply.is("LOADING") || reply.is("CONNECTION_CLOSED")) {
            return UNAVAILABLE;
        }
        return reply.is("OOM") ? FULL : reply.is("READONLY") ? READ_ONLY : isWrongType(reply) ? WRONG_TYPE : REFUSED;
    }

    /** The error of a script begins with other words in Redis 6. */
    private static boolean isWrongType(ErrorType reply) {
        return reply.getMessage() != null && reply.getMessage().contains("WRONGTYPE");
    }

    /** Whether Redis has answered, if only with an error. */
    public static boolean isReply(Throwable e) {
        return of(e) != UNAVAILABLE;
    }

    /** Whether Redis has answered that there is no such stream or group. */
    public static boolean isMissing(Throwable e) {
        ErrorType reply = Causes.find(e, ErrorType.class);
        return reply != null && (reply.is("NOGROUP") || reply.is("no such key"));
    }
}
