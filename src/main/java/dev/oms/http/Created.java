package dev.oms.http;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;

/** 201 with a {@code Location}. */
public final class Created {
    private Created() {}

    /**
     * Begins a 201 response.
     *
     * @param path the path of the new resource. It stays relative (RFC 9110 §10.2.2). {@code Response.created} would
     *     resolve it against the {@code Host} of the request, which can be anything.
     */
    public static Response.ResponseBuilder at(String path) {
        return Response.status(Response.Status.CREATED).header(HttpHeaders.LOCATION, path);
    }
}
