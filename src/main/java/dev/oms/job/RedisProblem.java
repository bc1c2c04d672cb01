package dev.oms.job;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.oms.http.Causes;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.vertx.redis.client.impl.types.ErrorType;
import java.util.Locale;

/** Why Redis is of no use to a worker. */
@RegisterForReflection
public enum RedisProblem {
    /** It does not answer. */
    UNAVAILABLE,
    /** It is a replica. */
    READ_ONLY,
    /** It has reached its {@code maxmemory}. */
    FULL,
    /** The stream's key holds something else. */
    WRONG_TYPE,
    /** It refuses commands for another reason, such as missing rights. */
    REFUSED;

    /** The name on the wire. */
    @JsonValue
    String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Classifies a failed command by the code with which Redis's reply begins. */
    static RedisProblem of(Throwable e) {
        ErrorType reply = Causes.find(e, ErrorType.class);
        if (reply == null || reply.is("LOADING")) {
            return UNAVAILABLE;
        }
        return reply.is("OOM") ? FULL : reply.is("READONLY") ? READ_ONLY : reply.is("WRONGTYPE") ? WRONG_TYPE : REFUSED;
    }

    /** Whether Redis has answered, if only with an error. */
    static boolean isReply(Throwable e) {
        return of(e) != UNAVAILABLE;
    }

    /** Whether Redis has answered that there is no such stream or group. */
    static boolean isMissing(Throwable e) {
        ErrorType reply = Causes.find(e, ErrorType.class);
        return reply != null && (reply.is("NOGROUP") || reply.is("no such key"));
    }
}
