package dev.oms.kubernetes;

import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPeer;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPort;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What the network policies of a namespace let through, by TCP; the model makes an empty list of a missing one. */
record Traffic(List<V1NetworkPolicy> policies) {
    /** One end: a pod in the namespace, a pod in another, or an address outside of the cluster. */
    sealed interface End {
        record Pod(Map<String, String> labels) implements End {}

        record Elsewhere(Map<String, String> namespace, Map<String, String> labels) implements End {}

        record Outside(String address) implements End {}
    }

    boolean reaches(End from, End to, int port) {
        return allows("Egress", from, to, port) && allows("Ingress", to, from, port);
    }

    private boolean allows(String direction, End pod, End peer, int port) {
        if (!(pod instanceof End.Pod(Map<String, String> labels))) {
            // Policies of this namespace say nothing of others.
            return true;
        }
        List<V1NetworkPolicy> own = policies.stream()
                .filter(policy -> policy.getSpec().getPolicyTypes().contains(direction))
                .filter(policy -> matches(policy.getSpec().getPodSelector(), labels))
                .toList();
        return own.isEmpty()
                || own.stream().flatMap(policy -> rules(policy, direction)).anyMatch(rule -> rule.allows(peer, port));
    }

    private record Rule(List<V1NetworkPolicyPeer> peers, List<V1NetworkPolicyPort> ports) {
        boolean allows(End peer, int port) {
            return (peers.isEmpty() || peers.stream().anyMatch(allowed -> matches(allowed, peer)))
                    && (ports.isEmpty() || ports.stream().anyMatch(allowed -> matches(allowed, port)));
        }
    }

    private static Stream<Rule> rules(V1NetworkPolicy policy, String direction) {
        return direction.equals("Egress")
                ? policy.getSpec().getEgress().stream().map(rule -> new Rule(rule.getTo(), rule.getPorts()))
                : policy.getSpec().getIngress().stream().map(rule -> new Rule(rule.getFrom(), rule.getPorts()));
    }

    private static boolean matches(V1NetworkPolicyPort allowed, int port) {
        return "TCP".equals(allowed.getProtocol())
                && allowed.getPort().isInteger()
                && allowed.getPort().getIntValue() == port;
    }

    private static boolean matches(V1NetworkPolicyPeer allowed, End peer) {
        return switch (peer) {
            case End.Pod(Map<String, String> labels) ->
                allowed.getNamespaceSelector() == null && matches(allowed.getPodSelector(), labels);
            case End.Elsewhere(Map<String, String> namespace, Map<String, String> labels) ->
                allowed.getNamespaceSelector() != null
                        && matches(allowed.getNamespaceSelector(), namespace)
                        && (allowed.getPodSelector() == null || matches(allowed.getPodSelector(), labels));
            case End.Outside(String address) ->
                allowed.getIpBlock() != null && contains(allowed.getIpBlock().getCidr(), address);
        };
    }

    static boolean matches(V1LabelSelector selector, Map<String, String> labels) {
        if (selector == null) {
            return false;
        }
        return labels.entrySet().containsAll(selector.getMatchLabels().entrySet())
                && selector.getMatchExpressions().stream()
                        .allMatch(in ->
                                in.getOperator().equals("In") && in.getValues().contains(labels.get(in.getKey())));
    }

    private static boolean contains(String cidr, String address) {
        String[] network = cidr.split("/");
        int hostBits = 32 - Integer.parseInt(network[1]);
        return bits(network[0]) >>> hostBits == bits(address) >>> hostBits;
    }

    private static long bits(String address) {
        long bits = 0;
        for (String part : address.split("\\.")) {
            bits = bits << 8 | Integer.parseInt(part);
        }
        return bits;
    }
}
