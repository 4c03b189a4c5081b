import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Students } from './Students';
import { Users } from './Users';
import { client } from './client';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ApolloProvider client={client}>
        <Users />
        <Students />
      </ApolloProvider>
    </StrictMode>,
  );
}
