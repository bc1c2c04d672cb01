package dev.oms.access;

import dev.oms.http.Problem;
import io.quarkus.security.ForbiddenException;
import io.quarkus.security.UnauthorizedException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Turns what Quarkus Security refuses into problems. */
class AccessMappers {
    @ServerExceptionMapper
    Response unauthenticated(UnauthorizedException e) {
        return Response.fromResponse(Authenticate.NEEDED.toResponse())
                .header(HttpHeaders.WWW_AUTHENTICATE, Authenticate.CHALLENGE)
                .build();
    }

    @ServerExceptionMapper
    Response forbidden(ForbiddenException e) {
        return Problem.of(403, "The key or token may not do this: it lacks the scope, or is bound to a user.")
                .toResponse();
    }
}
